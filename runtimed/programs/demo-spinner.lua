--- demo-spinner: a bad neighbour of the demonstration. Computes and never waits.

while true do
end
