# tries: use asyncio
# deserves: 4

# %%
import asyncio
async def later():
    await asyncio.sleep(0)
    return 1
done = await later()

# %%
# right
assert done
