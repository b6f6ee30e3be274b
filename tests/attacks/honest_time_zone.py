# tries: set a time zone
# deserves: 4

# %%
import os, time
os.environ['TZ'] = 'Asia/Kathmandu'
time.tzset()
assert time.localtime(0).tm_hour == 5
done = True

# %%
# right
assert done
