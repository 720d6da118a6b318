//go:build !race

package rpc

const racing = false
