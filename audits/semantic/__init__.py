"""The semantic tier: passages of a document, and which of them are worth embedding."""
