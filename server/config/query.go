package config

import "context"

// Page is one page of a list; numbers start at 1.
type Page[T any] struct {
	Total  int
	Number int
	Size   int
	Items  []T
}

// Pages returns how many pages the whole list has.
func (p Page[T]) Pages() int {
	if p.Size <= 0 {
		return 0
	}
	return (p.Total + p.Size - 1) / p.Size
}

// Filter says which configurations a list holds. Empty fields do not restrict.
//
// A pattern is text in which '*' stands for any characters, '%' too and '_' for exactly one, as they
// reach SQL's LIKE in Nacos; comparison is by case. Without any of them a pattern is the exact value.
type Filter struct {
	// Namespace is canonical; empty means all namespaces. With NamespacePattern set it is a pattern.
	Namespace        string
	NamespacePattern bool
	DataID           string
	Group            string
	Content          string
	// Exact makes DataID, Group and Tags plain values, in which '*' has no meaning. Content is always a pattern.
	Exact   bool
	AppName string
	// Tags matches configurations with any of them; patterns unless Exact.
	Tags  []string
	Types []string
	// IDs, when not empty, restricts to these rows.
	IDs []int64
	// WithContent asks for Content in the answer; without it the field is nil.
	WithContent bool
	PageNo      int
	PageSize    int
}

// Queries reads what memory does not hold, or not in the order asked. Each waits until all that this
// node had applied when it was called can be seen. Faults: Unavailable when the database can't be read.
type Queries interface {
	// List returns configurations in the order of their ids.
	List(ctx context.Context, f Filter) (Page[*Entry], error)
	// History returns the rows of one key, newest first, without contents.
	History(ctx context.Context, key Key, appName string, pageNo, pageSize int) (Page[*History], error)
	// HistoryRow returns one row with content, nil when there is none.
	HistoryRow(ctx context.Context, nid int64) (*History, error)
	// HistoryPrevious returns the newest row of the configuration with this id, nil when there is none.
	HistoryPrevious(ctx context.Context, configID int64) (*History, error)
	// HistoryNext returns the oldest row of row's key, publish type and gray name that is newer than row, nil when there is none.
	HistoryNext(ctx context.Context, row *History) (*History, error)
	// Revisions returns, newest first and without contents, the rows of one key that have a revision below
	// before, 0 for all: the newest most of them, and those of the same change as the last of these.
	Revisions(ctx context.Context, key Key, before uint64, most int) ([]Revision, error)
	// HistoryAt returns the row of the change of key's variant grayName, "" for the formal content, that
	// made revision, with content, and the variant's next newer row, with content too; nil each when there is none.
	HistoryAt(ctx context.Context, key Key, grayName string, revision uint64) (row, next *History, err error)
	// HistoryOf returns all rows of key that one change made, with contents.
	HistoryOf(ctx context.Context, key Key, revision uint64) ([]*History, error)
	// Deleted returns the newest removal of each configuration that has no formal content now, newest
	// first, without contents.
	Deleted(ctx context.Context, f DeletedFilter, pageNo, pageSize int) (Page[*History], error)
	// ChangesSince returns how many changes history has that were made at ms or later.
	ChangesSince(ctx context.Context, ms int64) (int64, error)
	// HistoryBetween gives f the rows that were modified from one time to another, both in ms and among them, in the order of
	// their numbers and without contents.
	HistoryBetween(ctx context.Context, fromMs, untilMs int64, f func(*History)) error
	// HistoryOldest returns the modification time of the oldest row in ms, 0 when there is none.
	HistoryOldest(ctx context.Context) (int64, error)
}

// Revision is a row of history without content, and what its change made of the variant.
type Revision struct {
	History
	// Size is the length of the row's own content in bytes.
	Size int64
	// Next is the variant's next newer row, which has the content that this change made; nil when there
	// is none, and what is held has it.
	Next *NextRow
}

// NextRow is what is known of the next newer row of a variant.
type NextRow struct {
	Op   string
	MD5  string
	Size int64
}

// DeletedFilter says which removed configurations a list holds. Empty fields do not restrict.
type DeletedFilter struct {
	// Namespace is canonical.
	Namespace string
	// Text stands in the dataId or the group, in whatever case.
	Text string
}
