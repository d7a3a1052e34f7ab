"""Collectives between CUDA devices: NCCL (`nccl`), their order on a device and the watch over them (`lane`)."""
