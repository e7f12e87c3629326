"""Recipes: lists of rules that others published, each with its source."""

__all__: list[str] = []
