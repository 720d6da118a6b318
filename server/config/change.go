package config

// The changes below are what State's decisions make of rows; store writes them. Before is nil when
// the row is new, After is nil when it is gone.
type (
	// EntryChange is a change of a formal content, tags included.
	EntryChange struct{ Before, After *Entry }
	// GrayChange is a change of a variant.
	GrayChange struct{ Before, After *Gray }
	// HistoryAdded is a new row of history.
	HistoryAdded struct {
		Row *History
		// Whole says that the row came from another server and has its ConfigID already.
		Whole bool
	}
	// HistoryTrimmed removes the oldest rows, at most Limit, that were modified before BeforeMs.
	HistoryTrimmed struct {
		BeforeMs int64
		Limit    int64
	}
	// CapacityChange is a new or changed quota row.
	CapacityChange struct{ Before, After *Capacity }
)

// Table implements journal.Change.
func (EntryChange) Table() string { return "config_info" }

// Table implements journal.Change.
func (GrayChange) Table() string { return "config_info_gray" }

// Table implements journal.Change.
func (HistoryAdded) Table() string { return "his_config_info" }

// Table implements journal.Change.
func (HistoryTrimmed) Table() string { return "his_config_info" }

// Table implements journal.Change.
func (CapacityChange) Table() string { return "capacity" }

// Happening is a publish or removal that was decided and is durable.
type Happening struct {
	Key Key
	// Op is OpInsert, OpUpdate or OpDelete.
	Op string
	// Gray is the name of the variant, "" for the formal content.
	Gray     string
	Revision uint64
	// MD5 is that of the content which is held since, "" after a removal.
	MD5 string
	// User and IP are those of who did it.
	User, IP string
	// Note is why it was done.
	Note Note
}
