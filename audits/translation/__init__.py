"""The tier of translated items: glossaries of other languages, and what tells a translation."""
