"""The CRM: consumers, what they say, and their loyalty points."""
