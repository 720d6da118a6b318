package search

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"nacre/server/config"
)

// Match is a configuration whose name is like what was typed.
type Match struct {
	Key config.Key
	// Marks are the parts of the name that match.
	Marks []Mark
	score int
}

// Mark is a part of a field, in bytes.
type Mark struct {
	Field    string // FieldDataID, FieldGroup or FieldNamespace
	From, To int
}

// FieldNamespace is where a Mark can be besides a dataId and a group.
const FieldNamespace = "namespace"

// MaxMatches is how many names are returned at the most.
const MaxMatches = 100

// Names returns those configurations whose names are most like text, the best first, at most so many. Each word of text has
// its letters, in this order and in any case, in the dataId, or stands in the group or the namespace. Faults as of Find.
func (x *Index) Names(ctx context.Context, text string, most int) ([]Match, error) {
	var words []*needle
	for _, w := range strings.Fields(text[:min(len(text), maxQuery)]) {
		words = append(words, newNeedle(w))
	}
	if most = min(most, MaxMatches); len(words) == 0 || len(words) > maxTerms || most <= 0 {
		return nil, nil
	}
	chunks := cut([][]config.Key{x.sorted()})
	best := make([][]Match, len(chunks))
	err := x.each(ctx, len(chunks), func() func(int) {
		var s scratch
		return func(i int) {
			for _, k := range chunks[i].keys {
				if score := like(k, words, &s, nil); score > 0 {
					best[i] = insert(best[i], Match{Key: k, score: score}, most)
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var out []Match
	for _, list := range best {
		for _, m := range list {
			out = insert(out, m, most)
		}
	}
	var s scratch
	for i := range out {
		like(out[i].Key, words, &s, &out[i].Marks)
	}
	return out, nil
}

// insert puts m where it belongs in a list of at most so many.
func insert(list []Match, m Match, most int) []Match {
	if len(list) == most && byScore(m, list[most-1]) >= 0 {
		return list
	}
	at, _ := slices.BinarySearchFunc(list, m, byScore)
	if len(list) == most {
		list = list[:most-1]
	}
	return slices.Insert(list, at, m)
}

func byScore(a, b Match) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(len(a.Key.DataID), len(b.Key.DataID)), compare(a.Key, b.Key))
}

// Scores of one word; what stands in the dataId counts more than in the group, and in the group more than in the namespace.
const (
	whole      = 1000 // it is the name
	beginning  = 800
	atBoundary = 600 // it begins behind a dot, a dash or the like
	inside     = 400
	scattered  = 10  // for each letter
	together   = 15  // for each letter that follows the one before it
	initial    = 20  // for each letter at a boundary
	mostOfBits = 380 // less than inside
)

// like returns how like a name is to all words, 0 when it is not. marks, unless nil, gets where.
func like(k config.Key, words []*needle, s *scratch, marks *[]Mark) int {
	sum := 0
	for _, w := range words {
		score := 0
		for i, f := range [...]struct{ field, text string }{{FieldDataID, k.DataID}, {FieldGroup, k.Group}, {FieldNamespace, k.Namespace}} {
			*s = append((*s)[:0], f.text...)
			if at := w.index(*s); at >= 0 {
				score = standing(*s, at, len(w.lower)) / (i + 1)
				if marks != nil {
					*marks = append(*marks, Mark{f.field, at, at + len(w.lower)})
				}
				break
			}
		}
		if score == 0 {
			*s = append((*s)[:0], k.DataID...)
			if score = spread(*s, w.lower, marks); score == 0 {
				return 0
			}
		}
		sum += score
	}
	return sum
}

// standing is the score of a word that stands in a name as it is.
func standing(name []byte, at, length int) int {
	switch {
	case length == len(name):
		return whole
	case at == 0:
		return beginning
	case boundary(name, at):
		return atBoundary
	}
	return inside
}

// boundary reports whether a part of a name begins at i.
func boundary(name []byte, i int) bool {
	if i == 0 || strings.IndexByte(".-_:", name[i-1]) >= 0 {
		return true
	}
	return name[i] >= 'A' && name[i] <= 'Z' && name[i-1] >= 'a' && name[i-1] <= 'z'
}

// spread is the score of a word whose letters, in lower case, stand in a name one behind the other; 0 when they do not.
func spread(name, word []byte, marks *[]Mark) int {
	end, j := 0, 0
	for ; end < len(name) && j < len(word); end++ {
		if lower(name[end]) == word[j] {
			j++
		}
	}
	if j < len(word) {
		return 0
	}
	// From the last letter backwards, which holds them together more than forwards.
	score, last := 0, -1
	first := 0
	if marks != nil {
		first = len(*marks)
	}
	for i := end - 1; j > 0; i-- {
		if lower(name[i]) != word[j-1] {
			continue
		}
		j--
		switch {
		case boundary(name, i):
			score += initial
		case last == i+1:
			score += together
		default:
			score += scattered
		}
		if marks != nil {
			if last == i+1 {
				(*marks)[len(*marks)-1].From = i
			} else {
				*marks = append(*marks, Mark{FieldDataID, i, i + 1})
			}
		}
		last = i
	}
	if marks != nil {
		slices.Reverse((*marks)[first:])
	}
	return max(min(score, mostOfBits)-(end-last-len(word)), 1)
}
