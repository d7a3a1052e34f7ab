"""What the array API standard lacks, written in the standard: right for every array library."""
