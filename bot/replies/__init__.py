"""What a person sees of an answer: messages that are split, made safe, paced and sent."""
