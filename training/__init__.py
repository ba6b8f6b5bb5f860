"""Learning a keyword: data -> augmentation -> the one front end -> one loop, four objectives -> a model file.

Needs the extra ``wakeword[train]`` (torch, torchaudio, librosa, scikit-learn, matplotlib).
"""
