package archive

import (
	"context"
	"math"

	"nacre/server/auth"
	"nacre/server/config"
	"nacre/server/fault"
	"nacre/server/journal"
	"nacre/server/namespace"
	"nacre/server/naming"
)

// The states of a row: what became of it, or would.
const (
	StateNew      = "new"      // it was not there
	StateSame     = "same"     // it is there already
	StateReplaced = "replaced" // another one was there
	StateConflict = "conflict" // another one is there, and stays
	StateRefused  = "refused"  // it can't be taken, for the reason given
)

// Row says what became of a row.
type Row struct {
	State string `json:"state"`
	// Name is of what, and Reason why it was refused; empty for rows that are new or the same.
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Taken is what became of rows.
type Taken struct {
	Rows []Row `json:"rows"` // in the order given
	// Held is what the server has under the names of these rows, counted now.
	Held Counts `json:"held"`
}

// Orders say how rows are taken over.
type Orders struct {
	Write   bool // else it is only said what would become of them
	Replace bool // what differs
	User    string
	IP      string
}

// A command holds at most so many rows, and contents of so many bytes.
const (
	commandRows  = 500
	commandBytes = 1 << 20
)

// Take takes rows over, those of history in their order, or says what would become of them. What is there already is left
// alone, so that it may be called again with the same. Rows of one call should be of one kind, and few MiB. Faults: Unavailable
// when nothing can be written now; rows before may have been taken over then.
func (s *Service) Take(ctx context.Context, o Orders, lines []Line) (*Taken, error) {
	t := &taking{Service: s, ctx: ctx, orders: o, out: &Taken{Rows: make([]Row, len(lines)), Held: Counts{}}, rows: make([]journal.Change, len(lines))}
	for i, l := range lines {
		c, err := Decode(l.Kind, l.Row)
		if err == nil {
			err = t.check(c)
		}
		if err != nil {
			t.refuse(i, c, err)
			continue
		}
		t.rows[i] = c
	}
	if err := t.plan(); err != nil {
		return nil, err
	}
	if o.Write {
		if err := t.write(); err != nil {
			return nil, err
		}
	}
	return t.out, t.count()
}

type taking struct {
	*Service
	ctx    context.Context
	orders Orders
	rows   []journal.Change // nil for those that are refused
	out    *Taken
}

func (t *taking) refuse(i int, c journal.Change, err error) {
	t.rows[i] = nil
	t.out.Rows[i] = Row{State: StateRefused, Reason: fault.TextOf(err)}
	if fault.KindOf(err) == fault.Internal {
		t.out.Rows[i].Reason = err.Error()
	}
	if c != nil {
		t.out.Rows[i].Name = nameOf(c)
	}
}

func (t *taking) check(c journal.Change) error {
	switch c := c.(type) {
	case config.EntryChange, config.GrayChange, config.HistoryAdded, config.CapacityChange:
		return t.cfg.Configs.CheckRow(c)
	case namespace.Change:
		return t.cfg.Namespaces.CheckRow(c.After)
	case UserRow:
		return t.cfg.Users.CheckRow(c.After)
	}
	return t.cfg.Naming.CheckRow(c)
}

// kept returns what is held under the name of a row that is none of history, nil for nothing.
func (t *taking) kept(c journal.Change) journal.Change {
	switch c := c.(type) {
	case config.EntryChange:
		if it := t.cfg.Configs.Item(c.After.Key); it != nil && it.Formal != nil {
			return config.EntryChange{After: it.Formal}
		}
		return nil
	case config.GrayChange:
		if g := t.cfg.Configs.Item(c.After.Key).Gray(c.After.Name); g != nil {
			return config.GrayChange{After: g}
		}
		return nil
	case config.CapacityChange:
		if q := t.cfg.Configs.Limits(c.After.Namespace, c.After.Group); q != nil {
			return config.CapacityChange{After: q}
		}
		return nil
	case namespace.Change:
		if n := t.cfg.Namespaces.Get(c.After.ID); n != nil {
			return namespace.Change{After: n}
		}
		return nil
	case UserRow:
		if u := t.cfg.Users.User(c.After.Name); u != nil {
			return UserRow{After: u}
		}
		return nil
	}
	return t.cfg.Naming.Kept(c)
}

// plan says what would become of each row.
func (t *taking) plan() error {
	past, err := t.past()
	if err != nil {
		return err
	}
	for i, c := range t.rows {
		switch c.(type) {
		case nil:
		case config.HistoryAdded:
			t.became(i, journal.Adopts(past.take(c), true, false))
		default:
			held := t.kept(c)
			same := held != nil && DigestOf(held, Seconds) == DigestOf(c, Seconds)
			t.became(i, journal.Adopts(held != nil, same, t.orders.Replace))
		}
	}
	return nil
}

func (t *taking) became(i int, a journal.Adopted) {
	row := Row{State: [...]string{StateNew, StateSame, StateReplaced, StateConflict}[a]}
	if row.State == StateReplaced || row.State == StateConflict {
		row.Name = nameOf(t.rows[i])
	}
	t.out.Rows[i] = row
}

// write submits the rows that are not there, as few commands.
func (t *taking) write() error {
	var part []int
	size := 0
	flush := func() error {
		err := t.submit(part)
		part, size = nil, 0
		return err
	}
	for i, c := range t.rows {
		if c == nil || t.out.Rows[i].State == StateSame || t.out.Rows[i].State == StateConflict {
			continue
		}
		n := sizeOf(c)
		if len(part) > 0 && (len(part) == commandRows || size+n > commandBytes || domainOf(t.rows[part[0]]) != domainOf(c)) {
			if err := flush(); err != nil {
				return err
			}
		}
		part, size = append(part, i), size+n
	}
	return flush()
}

func sizeOf(c journal.Change) int {
	const row = 512
	switch c := c.(type) {
	case config.EntryChange:
		return row + len(c.After.Content)
	case config.GrayChange:
		return row + len(c.After.Content)
	case config.HistoryAdded:
		return row + len(c.Row.Content)
	}
	return row
}

// domainOf tells apart what one command can't hold together. History waits for what it belongs to.
func domainOf(c journal.Change) int {
	switch c.(type) {
	case config.EntryChange, config.GrayChange, config.CapacityChange:
		return 0
	case config.HistoryAdded:
		return 1
	case namespace.Change:
		return 2
	case UserRow:
		return 3
	}
	return 4
}

// submit writes rows of one domain as one command; where the storage refuses it, as smaller ones, until what it refuses is found.
func (t *taking) submit(part []int) error {
	if len(part) == 0 {
		return nil
	}
	became, err := t.adopt(part)
	switch kind := fault.KindOf(err); {
	case err == nil:
		for j, i := range part {
			t.became(i, became[j])
		}
		return nil
	case kind == fault.Unavailable || kind == fault.Limited || t.ctx.Err() != nil:
		return err
	case len(part) == 1:
		t.refuse(part[0], t.rows[part[0]], err)
		return nil
	}
	if err := t.submit(part[:len(part)/2]); err != nil {
		return err
	}
	return t.submit(part[len(part)/2:])
}

func (t *taking) adopt(part []int) ([]journal.Adopted, error) {
	o, rows := t.orders, make([]journal.Change, len(part))
	for j, i := range part {
		rows[j] = t.rows[i]
	}
	var became []journal.Adopted
	var err error
	switch domainOf(rows[0]) {
	case 0, 1:
		became, err = t.cfg.Configs.Adopt(t.ctx, config.Actor{User: o.User, IP: o.IP}, rows, o.Replace)
	case 2:
		all := make([]*namespace.Namespace, len(rows))
		for i, c := range rows {
			all[i] = c.(namespace.Change).After
		}
		became, err = t.cfg.Namespaces.Adopt(t.ctx, namespace.Actor{User: o.User, IP: o.IP}, all, o.Replace)
	case 3:
		all := make([]*auth.User, len(rows))
		for i, c := range rows {
			all[i] = c.(UserRow).After
		}
		became, err = t.cfg.Users.Adopt(t.ctx, auth.Actor{User: o.User, IP: o.IP}, all, o.Replace)
	default:
		became, err = t.cfg.Naming.Adopt(t.ctx, naming.Actor{User: o.User, IP: o.IP}, rows, o.Replace)
	}
	if err == nil && len(became) != len(rows) {
		err = fault.New(fault.Internal, "%d of %d rows were decided", len(became), len(rows))
	}
	return became, err
}

// pastRows are rows of history that the server has, counted by their digest.
type pastRows struct {
	unit int64
	has  map[Digest]int
}

// take reports whether there is such a row that was not taken yet.
func (p *pastRows) take(c journal.Change) bool {
	d := DigestOf(c, p.unit)
	if p.has[d] == 0 {
		return false
	}
	p.has[d]--
	return true
}

// past reads the history of the time that the rows are of.
func (t *taking) past() (*pastRows, error) {
	p := &pastRows{t.cfg.Unit, make(map[Digest]int)}
	from, until := int64(math.MaxInt64), int64(math.MinInt64)
	for _, c := range t.rows {
		if h, ok := c.(config.HistoryAdded); ok {
			from, until = min(from, h.Row.ModifiedMs-h.Row.ModifiedMs%p.unit), max(until, h.Row.ModifiedMs)
		}
	}
	if from > until {
		return p, nil
	}
	err := t.cfg.Configs.HistoryBetween(t.ctx, from, until, func(h *config.History) {
		p.has[DigestOf(config.HistoryAdded{Row: h}, p.unit)]++
	})
	return p, err
}

// count counts what the server has of the rows now.
func (t *taking) count() error {
	past, err := t.past()
	if err != nil {
		return err
	}
	for _, c := range t.rows {
		switch c := c.(type) {
		case nil:
		case config.HistoryAdded:
			if past.take(c) {
				t.out.Held.Add(History, DigestOf(c, t.cfg.Unit))
			}
		default:
			kind, _ := rowOf(c)
			if held := t.kept(c); held != nil && whole(held) {
				t.out.Held.Add(kind, DigestOf(held, t.cfg.Unit))
			}
		}
	}
	return nil
}

// whole reports whether a content has its md5, over its bytes.
func whole(c journal.Change) bool {
	switch c := c.(type) {
	case config.EntryChange:
		return config.MD5(c.After.Content) == c.After.MD5
	case config.GrayChange:
		return config.MD5(c.After.Content) == c.After.MD5
	}
	return true
}
