package webhook

// OnlyLoopback decides where a connection in the clear may lead.
var OnlyLoopback = onlyLoopback
