package auth

import (
	"math"
	"strings"
)

// minBits is how hard to guess a password must be: log2 of how many guesses find it when common
// passwords, repetitions, sequences and rows of keys are tried first.
const minBits = 28

// rows are what fingers and children do: runs through them, either way, are tried first.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
	"!@#$%^&*()", "qwertzuiop", "azertyuiop", "yxcvbnm", "qazwsxedcrfvtgbyhnujmikolp",
}

// unleet turns the usual disguises of letters back.
var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// isGuessed reports whether a password is among those that are tried first. It looks for the
// cheapest way to put the password together of pieces that are known: its cost in bits is the sum.
func isGuessed(name, password string) bool {
	plain := strings.ToLower(password)
	return cheapest(name, plain) < minBits || cheapest(name, unleet.Replace(plain)) < minBits-2
}

func cheapest(name, s string) float64 {
	own := ranksOf(name)
	cost := make([]float64, len(s)+1)
	for end := 1; end <= len(s); end++ {
		cost[end] = math.Inf(1)
		for start := range end {
			if c := cost[start] + bits(s[start:end], s[:start], own); c < cost[end] {
				cost[end] = c
			}
		}
	}
	return cost[len(s)]
}

// bits returns the cost of one piece that follows what is before it.
func bits(piece, before string, own map[string]int) float64 {
	least := math.Inf(1)
	if len(piece) == 1 {
		least = 5
		if piece[0] >= '0' && piece[0] <= '9' {
			least = math.Log2(10)
		}
	}
	if rank, ok := own[piece]; ok {
		least = min(least, math.Log2(float64(rank+1)))
	}
	if rank, ok := common()[piece]; ok {
		least = min(least, math.Log2(float64(rank+1)))
	}
	if len(piece) >= 3 && isRun(piece) {
		least = min(least, 6)
	}
	if strings.HasSuffix(before, piece) {
		least = min(least, 1) // once more
	}
	return least
}

// isRun reports whether a piece is a part of a row, in either direction.
func isRun(piece string) bool {
	for _, r := range rows {
		if strings.Contains(r, piece) || strings.Contains(r, reversed(piece)) {
			return true
		}
	}
	return false
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// ranksOf returns the words that anybody would try who knows the server and the name.
func ranksOf(name string) map[string]int {
	own := map[string]int{"nacre": 1, "nacos": 1, "admin": 1, "administrator": 2, "console": 2, "config": 2, "server": 2, "password": 1, "secret": 2, "root": 1}
	if name = strings.ToLower(name); name != "" {
		own[name] = 1
		own[reversed(name)] = 2
	}
	return own
}
