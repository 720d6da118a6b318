package external

import (
	"context"

	"nacre/server/config"
	"nacre/server/draft"
	"nacre/server/fault"
	"nacre/server/resource"
	"nacre/server/store"
)

// Draft implements draft.Contents.
func (n *Node) Draft(ctx context.Context, user string, key resource.ConfigKey) (*draft.Draft, error) {
	db := n.db.Load()
	if db == nil {
		return nil, n.absent()
	}
	return db.Draft(ctx, user, key)
}

// absent is the fault of a query while the database was never reached.
func (n *Node) absent() error {
	return fault.New(fault.Unavailable, "%s", n.State().Why)
}

// Queries returns what reads lists and history: in the database, where what this node committed is seen.
func (n *Node) Queries() config.Queries { return &queries{node: n} }

// queries asks the database, once there is one.
type queries struct{ node *Node }

// with calls f with the database's queries.
func with[T any](q *queries, f func(config.Queries) (T, error)) (T, error) {
	if all := q.node.queries.Load(); all != nil {
		return f(*all)
	}
	var none T
	return none, q.node.absent()
}

// List implements config.Queries.
func (q *queries) List(ctx context.Context, f config.Filter) (config.Page[*config.Entry], error) {
	return with(q, func(to config.Queries) (config.Page[*config.Entry], error) { return to.List(ctx, f) })
}

// History implements config.Queries.
func (q *queries) History(ctx context.Context, key config.Key, appName string, pageNo, pageSize int) (config.Page[*config.History], error) {
	return with(q, func(to config.Queries) (config.Page[*config.History], error) {
		return to.History(ctx, key, appName, pageNo, pageSize)
	})
}

// HistoryRow implements config.Queries.
func (q *queries) HistoryRow(ctx context.Context, nid int64) (*config.History, error) {
	return with(q, func(to config.Queries) (*config.History, error) { return to.HistoryRow(ctx, nid) })
}

// HistoryPrevious implements config.Queries.
func (q *queries) HistoryPrevious(ctx context.Context, configID int64) (*config.History, error) {
	return with(q, func(to config.Queries) (*config.History, error) { return to.HistoryPrevious(ctx, configID) })
}

// HistoryNext implements config.Queries.
func (q *queries) HistoryNext(ctx context.Context, row *config.History) (*config.History, error) {
	return with(q, func(to config.Queries) (*config.History, error) { return to.HistoryNext(ctx, row) })
}

// Revisions implements config.Queries.
func (q *queries) Revisions(ctx context.Context, key config.Key, before uint64, most int) ([]config.Revision, error) {
	return with(q, func(to config.Queries) ([]config.Revision, error) { return to.Revisions(ctx, key, before, most) })
}

// HistoryAt implements config.Queries.
func (q *queries) HistoryAt(ctx context.Context, key config.Key, grayName string, revision uint64) (row, next *config.History, err error) {
	_, err = with(q, func(to config.Queries) (_ struct{}, err error) {
		row, next, err = to.HistoryAt(ctx, key, grayName, revision)
		return struct{}{}, err
	})
	return row, next, err
}

// HistoryOf implements config.Queries.
func (q *queries) HistoryOf(ctx context.Context, key config.Key, revision uint64) ([]*config.History, error) {
	return with(q, func(to config.Queries) ([]*config.History, error) { return to.HistoryOf(ctx, key, revision) })
}

// Deleted implements config.Queries.
func (q *queries) Deleted(ctx context.Context, f config.DeletedFilter, pageNo, pageSize int) (config.Page[*config.History], error) {
	return with(q, func(to config.Queries) (config.Page[*config.History], error) {
		return to.Deleted(ctx, f, pageNo, pageSize)
	})
}

// ChangesSince implements config.Queries.
func (q *queries) ChangesSince(ctx context.Context, ms int64) (int64, error) {
	return with(q, func(to config.Queries) (int64, error) { return to.ChangesSince(ctx, ms) })
}

// HistoryOldest implements config.Queries.
func (q *queries) HistoryOldest(ctx context.Context) (int64, error) {
	return with(q, func(to config.Queries) (int64, error) { return to.HistoryOldest(ctx) })
}

// HistoryBetween implements config.Queries.
func (q *queries) HistoryBetween(ctx context.Context, fromMs, untilMs int64, f func(*config.History)) error {
	_, err := with(q, func(to config.Queries) (struct{}, error) {
		return struct{}{}, to.HistoryBetween(ctx, fromMs, untilMs, f)
	})
	return err
}

// Load reads everything from the database, as store.MySQL does.
func (n *Node) Load(ctx context.Context, v store.Visitor) (store.Loaded, error) {
	db := n.db.Load()
	if db == nil {
		return store.Loaded{}, n.absent()
	}
	return db.Load(ctx, v)
}
