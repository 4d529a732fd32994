"""What is read again and again, kept where it costs least.

Its one job: answer reads of entities from memory, exactly as storage would. Invariant: nobody is given a value that
was replaced before the read began. Must not know: what an entity means, who asks, or why.
"""
