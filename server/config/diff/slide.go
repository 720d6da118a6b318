package diff

// slide moves each run of changed lines to where a person, and diff, would put it: as far down as
// equal lines allow, runs that meet becoming one; but back up to where the other text has a run,
// too, so that what took the place of something stands beside it. The number of changed lines stays.
func slide(ids []int, changed, other []bool) {
	i, j := 0, 0 // j is the line of the other text that stands beside line i
	n := len(ids)
	for {
		for i < n && !changed[i] { // go over equal lines, and the other's changes between them
			for j < len(other) && other[j] {
				j++
			}
			i++
			j++
		}
		if i >= n {
			return
		}
		start := i
		for i < n && changed[i] {
			i++
		}
		for j < len(other) && other[j] {
			j++
		}
		i, j = settle(ids, changed, other, start, i, j)
	}
}

// settle moves the run [start, end), beside which the other text stands at j, and returns where to go on.
func settle(ids []int, changed, other []bool, start, end, j int) (int, int) {
	n := len(ids)
	for {
		length := end - start
		// Up as far as it goes, so that runs above become a part of this one.
		for start > 0 && ids[start-1] == ids[end-1] {
			start--
			end--
			changed[start], changed[end] = true, false
			for start > 0 && changed[start-1] {
				start--
			}
			j = lineAbove(other, j)
		}
		beside := -1 // the end of the run where the other text has one, too
		if j > 0 && other[j-1] {
			beside = end
		}
		// Down as far as it goes.
		for end < n && ids[start] == ids[end] {
			changed[start], changed[end] = false, true
			start++
			end++
			for end < n && changed[end] {
				end++
			}
			j++
			for j < len(other) && other[j] {
				j++
				beside = end
			}
		}
		if end-start != length {
			continue
		}
		for beside >= 0 && beside < end {
			start--
			end--
			changed[start], changed[end] = true, false
			j = lineAbove(other, j)
		}
		for j < len(other) && other[j] {
			j++
		}
		return end, j
	}
}

// lineAbove returns the last line before j that both texts have.
func lineAbove(other []bool, j int) int {
	for j--; j > 0 && other[j]; {
		j--
	}
	return j
}
