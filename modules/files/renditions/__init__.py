"""Pictures that are made of images: small, upright, and without what a camera wrote into them."""
