"""An extractor of main text that is trained: blocks of a page, what is measured of them, the model, the text."""
