"""The gateway: a small program on an edge box that reads, signs, keeps and forwards."""
