"""The broker's nouns: frozen dataclasses without behaviour beyond what their own fields say."""
