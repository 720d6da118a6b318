//go:build race

package rpc

// racing says that the race detector is there, whose records of goroutines and allocations count as memory, too.
const racing = true
