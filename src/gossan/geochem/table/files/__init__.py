"""From files to cells: encodings, delimiters, sheets, vector layers and headers."""
