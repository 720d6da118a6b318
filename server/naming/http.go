package naming

import (
	"context"
	"slices"
	"time"

	"nacre/server/failpoint"
	"nacre/server/fault"
	"nacre/server/naming/namingpb"
)

// Owners says which node is to own the clients that have no connection, and asks it.
type Owners interface {
	// Owner returns the id of the node that is to own an address, ip:port; "" while none is known.
	Owner(address string) string
	// Ask has another node answer what a client asks of it. What it can't be asked, in ctx's time, is answered here.
	Ask(ctx context.Context, node string, q *namingpb.Asked) (*namingpb.Answered, error)
}

// askTime is how long another node may take to answer a client.
const askTime = 1500 * time.Millisecond

// UseOwners makes the registry that of one of several nodes. Call it once, before serving.
func (r *Registry) UseOwners(o Owners) { r.owners = o }

// UseNode says which node this is, where New could not know. Call it once, before Copies and clients.
func (r *Registry) UseNode(id string) { r.self.Store(&id) }

// node returns the id of this node.
func (r *Registry) node() string { return *r.self.Load() }

// elsewhere returns the node to ask what the client of an address wants; "" for this one: of what it owns already, too, until the node
// that is to own it has taken it over.
func (r *Registry) elsewhere(a addr) string {
	if r.owners == nil || r.at(clientAddr{a, true}) != nil {
		return ""
	}
	node := r.owners.Owner(a.String())
	if node == r.node() {
		return ""
	}
	return node
}

// ask hands what a client asks to another node. It reports whether that answered.
func (r *Registry) ask(node string, q *namingpb.Asked) (*namingpb.Answered, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	out, err := r.owners.Ask(ctx, node, q)
	if err != nil {
		return nil, false
	}
	for _, m := range out.GetClient() {
		_ = r.copies.merge(m) // what can't be taken up here comes with the next comparison
	}
	return out, true
}

func question(what namingpb.Asked_What, by Actor, k Key, i *Instance) *namingpb.Asked {
	return &namingpb.Asked{What: what, Actor: by.pb(), Key: keyPB(k), Instance: instancePB(i)}
}

func answerFault(a *namingpb.Answered) error {
	if a.GetFault() == 0 {
		return nil
	}
	return fault.New(fault.Kind(a.GetFault()-1), "%s", a.GetText()).WithCode(fault.Code(a.GetCode()))
}

// Answer answers what a client asks of this node that another node hands it.
func (r *Registry) Answer(q *namingpb.Asked) *namingpb.Answered {
	k, i, a := keyOf(q.GetKey()), instanceOf(q.GetInstance()), q.GetActor()
	by := Actor{User: a.GetUser(), IP: a.GetIp(), Client: a.GetClient()}
	for _, m := range q.GetClient() {
		_ = r.copies.merge(m) // as in ask
	}
	before := r.revisions.Load()
	out := new(namingpb.Answered)
	var err error
	switch q.GetWhat() {
	case namingpb.Asked_REGISTER:
		err = r.registerHere(by, k, i)
	case namingpb.Asked_DEREGISTER:
		out.Known = r.deregisterHere(by, k, i.IP, i.Port, !q.GetOnly())
	case namingpb.Asked_BEAT, namingpb.Asked_FULL_BEAT:
		var b Beaten
		b, err = r.beatHere(by, k, i, q.GetWhat() == namingpb.Asked_FULL_BEAT)
		out.Known, out.IntervalMs = b.Known, b.IntervalMs
	}
	if err != nil {
		out.Fault, out.Text, out.Code = uint32(fault.KindOf(err))+1, fault.TextOf(err), string(fault.CodeOf(err))
		return out
	}
	if r.revisions.Load() != before {
		out.Client = r.copies.answer(clientAddr{addr{i.IP, i.Port}, true}.id(true))
	}
	return out
}

// RegisterHTTP registers an instance that lives by heartbeats, the first of which this is. It replaces what this address
// and port registered of the service before. It may wait for another node. Faults: Invalid, Limited.
func (r *Registry) RegisterHTTP(by Actor, k Key, i Instance) error {
	if node := r.elsewhere(addr{i.IP, i.Port}); node != "" {
		own, err := r.adopt(i, true)
		if err != nil {
			return err
		}
		if err := checkKey(&k); err != nil {
			return err
		}
		if out, ok := r.ask(node, question(namingpb.Asked_REGISTER, by, k, own)); ok {
			return answerFault(out)
		}
	}
	return r.registerHere(by, k, i)
}

func (r *Registry) registerHere(by Actor, k Key, i Instance) error {
	own, err := r.adopt(i, true)
	if err != nil {
		return err
	}
	for {
		c := r.come(clientAddr{addr{own.IP, own.Port}, true})
		own.IP = c.client.IP // shared
		err := c.publish(k, []*Instance{own}, by.String())
		if fault.CodeOf(err) != CodeGone {
			if err != nil {
				c.leave()
			}
			return err
		}
	}
}

// DeregisterHTTP takes away what an address and port registered of a service to live by heartbeats, whatever its cluster, as Nacos
// does. It reports whether there was anything. It may wait for other nodes.
func (r *Registry) DeregisterHTTP(by Actor, k Key, ip string, port int) bool {
	if node := r.elsewhere(addr{ip, port}); node != "" {
		if out, ok := r.ask(node, question(namingpb.Asked_DEREGISTER, by, k, &Instance{IP: ip, Port: port})); ok {
			return out.GetKnown()
		}
	}
	return r.deregisterHere(by, k, ip, port, true)
}

// deregisterHere takes away what this node owns, and what is kept of nodes that are down; all has it taken away at other nodes, too, that
// own the client while it moves from one to another.
func (r *Registry) deregisterHere(by Actor, k Key, ip string, port int, all bool) (known bool) {
	a := clientAddr{addr{ip, port}, true}
	if c := r.at(a); c != nil {
		known = c.withdraw(k, "deregistered", by.String())
	}
	if r.owners == nil {
		return known
	}
	nodes := r.copies.deregistered(a.id(true), k)
	if node := r.owners.Owner(a.String()); known && node != "" && node != r.node() && !slices.Contains(nodes, node) {
		nodes = append(nodes, node) // it may be about to take the client over
	}
	for _, node := range nodes {
		if !all {
			break
		}
		q := question(namingpb.Asked_DEREGISTER, by, k, &Instance{IP: ip, Port: port})
		q.Only, q.Client = true, r.copies.answer(a.id(true))
		if out, ok := r.ask(node, q); ok {
			known = known || out.GetKnown()
		}
	}
	return known
}

// Beaten is the answer to a heartbeat.
type Beaten struct {
	// Known says that the instance was there, or was registered by this heartbeat. If not, its client is to register it.
	Known bool
	// IntervalMs is after how long the next heartbeat is to come.
	IntervalMs int64
}

// Beat notes a heartbeat of an instance. Of one that is not known, a full heartbeat, with all that is registered of it, registers it; a
// light one has address and port alone. It may wait for another node. Faults: those of RegisterHTTP, of a full heartbeat.
func (r *Registry) Beat(by Actor, k Key, i Instance, full bool) (Beaten, error) {
	if node := r.elsewhere(addr{i.IP, i.Port}); node != "" {
		what, own := namingpb.Asked_BEAT, &i
		if full {
			var err error
			if own, err = r.adopt(i, true); err != nil {
				return Beaten{}, err
			}
			if err := checkKey(&k); err != nil {
				return Beaten{}, err
			}
			what = namingpb.Asked_FULL_BEAT
		}
		if out, ok := r.ask(node, question(what, by, k, own)); ok {
			return Beaten{Known: out.GetKnown(), IntervalMs: out.GetIntervalMs()}, answerFault(out)
		}
	}
	return r.beatHere(by, k, i, full)
}

func (r *Registry) beatHere(by Actor, k Key, i Instance, full bool) (Beaten, error) {
	out := Beaten{IntervalMs: r.switches.get().ClientBeatInterval}
	a := clientAddr{addr{i.IP, i.Port}, true}
	c := r.at(a)
	var p *publication
	held := false
	if c != nil {
		c.mu.Lock()
		p, held = c.pubs.find(&k)
		c.mu.Unlock()
	}
	if !held && r.owners != nil && r.copies.takeOver(a, k) {
		return r.beatHere(by, k, i, full)
	}
	if !held {
		if !full {
			return out, nil
		}
		if err := r.registerHere(by, k, i); err != nil {
			return out, err
		}
		out.Known = true
		if v, ok := i.Metadata.normal().Get(BeatIntervalKey); ok && v != "" {
			out.IntervalMs = BeatsOf(i.Metadata.normal()).IntervalMs
		}
		return out, nil
	}
	r.counts.beaten.Add(1)
	if failpoint.Inject("bug/deaf-to-heartbeats") == nil {
		p.beaten()
	}
	c.Heard()
	if p.beat.sick.Load() {
		r.recovered(p)
	}
	if times := p.beat.times.Load(); times != &DefaultBeats {
		out.IntervalMs = times.IntervalMs
	}
	out.Known = true
	return out, nil
}
