package parts

// Diff is what lies between two texts.
type Diff struct {
	// Split shows them side by side.
	Split bool
	// Same says that there is no difference.
	Same string
	// Added and Removed count lines, in words.
	Added, Removed string
	// Left and Right name the texts.
	Left, Right string
	Pieces      []Piece
	// Cut says that more differs than is shown; "" when all is.
	Cut string
}

// Piece is a run of lines; one with Skipped is folded behind that text.
type Piece struct {
	Skipped string
	Rows    []DiffRow
}

// DiffRow is a line of the diff, or two beside each other. Op is "same", "add", "del", or "pair" for a changed line side by side.
type DiffRow struct {
	Op              string
	LeftNo, RightNo string
	Left, Right     []Span
}

// Span is a part of a line; Mark says that it is what changed, Note that it is no part of it, but says something of it.
type Span struct {
	Text       string
	Mark, Note bool
}

// KeyChange is a key of which the value changed; Kind is "added", "removed" or "changed", Word that in words.
type KeyChange struct{ Kind, Word, Key, Before, After string }

// sign is what a line of a unified diff begins with.
func sign(op string) string {
	switch op {
	case "add":
		return "+"
	case "del":
		return "−"
	}
	return " "
}
