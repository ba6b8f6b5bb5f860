"""Words that sound almost like a keyword: found here, so that a model can be taught and tested to refuse them.

``words.mine(phrase)`` finds them; ``paper`` holds the lists of the paper. Needs the ``train`` extra (wordfreq).
"""
