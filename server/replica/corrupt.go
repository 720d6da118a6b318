package replica

import "fmt"

// remedy is what an operator can do about storage that is not as it was written.
const remedy = "nothing was changed; restore the data folder from a backup, or, in a cluster, " +
	"take this node out (nacre cluster remove) and let it join again with an empty data folder"

// CorruptError says that a file is not as it was written, and where. The node must not start, or go
// on, from it: what it holds may be less than what was acknowledged.
type CorruptError struct {
	// File is the path of the damaged file.
	File string
	// Offset is the position in it, in bytes, of the record or page that is damaged.
	Offset int64
	// What says what is wrong there.
	What string
}

// Error returns a sentence that names file and offset and says what to do.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s; %s", e.File, e.Offset, e.What, remedy)
}

// StateError says that the files of a data folder are each whole but don't belong together: one of
// them was lost, or an older copy was put back.
type StateError struct {
	// Dir is the data folder.
	Dir string
	// What says what does not fit.
	What string
}

// Error returns a sentence that names the folder and says what to do.
func (e *StateError) Error() string {
	return fmt.Sprintf("the files in %s don't belong together: %s; %s", e.Dir, e.What, remedy)
}
