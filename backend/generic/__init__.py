"""The functions that the array API standard lacks, written in the standard, so that every array library has them."""
