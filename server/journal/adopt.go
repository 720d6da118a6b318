package journal

// Adopted says what became of a row of another server that was to be taken over.
type Adopted uint8

// What may become of it.
const (
	// AdoptedNew: there was no such row, it is there now.
	AdoptedNew Adopted = iota
	// AdoptedSame: it was there already, nothing changed.
	AdoptedSame
	// AdoptedReplaced: another one was there, this one took its place.
	AdoptedReplaced
	// AdoptedConflict: another one is there, and stays.
	AdoptedConflict
)

// Adopts decides what becomes of a row: whether there is one, whether it is the same, and whether another one is to go.
func Adopts(held, same, replace bool) Adopted {
	switch {
	case !held:
		return AdoptedNew
	case same:
		return AdoptedSame
	case replace:
		return AdoptedReplaced
	}
	return AdoptedConflict
}
