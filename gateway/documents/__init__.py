"""PDFs by Typst, in the scripts of India. See README.md."""
