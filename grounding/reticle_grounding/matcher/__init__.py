"""What a small picture shows and what a phrase asks for, in one space: the matcher of looks and words."""
