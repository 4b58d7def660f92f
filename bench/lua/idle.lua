-- A program that waits for ever.
os.pull("call")
