package auth

import (
	_ "embed" // for the list below
	"strings"
	"sync"
)

// commonList is written by scripts/passwords.mjs: one a line, in lower case, the most common first.
//
//go:embed common.txt
var commonList string

// common returns the rank of each common password, from 1. The map is made at the first call.
var common = sync.OnceValue(func() map[string]int {
	ranks := make(map[string]int, strings.Count(commonList, "\n"))
	for word := range strings.Lines(commonList) {
		ranks[strings.TrimSuffix(word, "\n")] = len(ranks) + 1
	}
	return ranks
})
