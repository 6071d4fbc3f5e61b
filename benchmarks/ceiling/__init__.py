"""What the simulator's log can show at all: the chance of leaving as the world's own laws see it.

Who knows every law and constant of the world, and has nothing but the rows, believes what these
particles believe; no model can rank better. Of what a case did to the mood they are told the true
size, which the log shows only in part: generous for the vocal, and nothing for the silent, who have
no cases. Not read: the surveys after cases, and complaints for what they tell beside their effect.

Each particle is one hidden course that could have been: fit, mood, attachment, and the traits that
never change. Every day it moves as `data_samples.feelings` moves the true one and is weighed by how
likely it makes what the log shows, staying included. Systematic resampling (Kitagawa, J. Comp.
Graph. Stat. 1996); rates and regularity are renewed after it by Metropolis steps on the particle's
own gaps (resample-move: Gilks and Berzuini, JRSS B 2001), impatience by a shrinking kernel (Liu and
West 2001), as nothing recurs that would tell it.
"""
