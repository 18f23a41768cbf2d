"""What a doctor costs the training that it watches."""
