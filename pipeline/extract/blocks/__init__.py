"""A trained extractor of main text: blocks of a page, their measures, the model, the text."""
