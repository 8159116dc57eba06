"""Money that goes back: refunds that are asked for, happen by themselves, or are made by the vendor."""
