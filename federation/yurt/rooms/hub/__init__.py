"""What a hub decides: order, epochs, ages, sizes."""
