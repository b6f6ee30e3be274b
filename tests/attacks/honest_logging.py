# tries: configure logging and seeds
# deserves: 4

# %%
import logging, random
logging.basicConfig(level=0)
random.seed(1)
logging.info('hello')

# %%
# right
