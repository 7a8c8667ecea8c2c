"""What only the protocol needs: strict tools, refusals as results, the question to a person, prompts, resources."""
