package naming

import (
	"context"
	"slices"
	"strings"
	"time"

	"nacre/server/fault"
	"nacre/server/naming/namingpb"
	"nacre/server/resource"
)

// maxClusters bounds the described clusters of a service.
const maxClusters = 1000

// RegisterPersistent registers an instance that lives until somebody takes it away. It replaces the one of the same
// address and port. Faults: Invalid, Limited, Unavailable.
func (r *Registry) RegisterPersistent(ctx context.Context, by Actor, k Key, i Instance) error {
	if err := checkKey(&k); err != nil {
		return err
	}
	own, err := r.adopt(i, false)
	if err != nil {
		return err
	}
	if r.modeOf(k) == ephemeralKind {
		return wrongKind(k, true)
	}
	_, err = r.submit(ctx, KindRegister, &namingpb.Register{
		Key: keyPB(k), Instance: instancePB(own), Actor: by.pb(), AtMs: r.wall(), MaxService: r.cfg.MaxPerService, MaxAll: r.cfg.MaxInstances,
	})
	return err
}

// DeregisterPersistent takes a persistent instance away; it reports whether there was one. Faults: Unavailable.
func (r *Registry) DeregisterPersistent(ctx context.Context, by Actor, k Key, ip string, port int) (bool, error) {
	if r.state.Persistent(k, ip, port) == nil {
		return false, nil
	}
	out, err := r.submit(ctx, KindDeregister, &namingpb.Deregister{
		Key: keyPB(k), Of: &namingpb.Of{Ip: ip, Port: int32(port)}, Actor: by.pb(), AtMs: r.wall(),
	})
	return out.Existed, err
}

func (r *Registry) modeOf(k Key) kind {
	s := r.lock(&k)
	if s == nil {
		return anyKind
	}
	defer s.mu.Unlock()
	return s.mode()
}

// SetHealth says whether a persistent instance is healthy, in clusters that are not probed. It does nothing when there is none. Faults:
// Invalid (CodeProbed where probes decide), Unavailable.
func (r *Registry) SetHealth(ctx context.Context, by Actor, k Key, id InstanceID, healthy bool) error {
	if id.Cluster == "" {
		id.Cluster = resource.DefaultCluster
	}
	held := r.state.Persistent(k, id.IP, id.Port)
	switch {
	case r.state.Cluster(k, id.Cluster).Checker.Type != CheckNone:
		return fault.New(fault.Invalid, "health check is still working, service: %s, cluster: %s", k.Grouped(), id.Cluster).WithCode(CodeProbed)
	case held == nil && r.modeOf(k) == ephemeralKind:
		return wrongKind(k, true)
	case held == nil || held.Instance.Cluster != id.Cluster || held.Instance.Healthy == healthy:
		return nil
	}
	return r.Probed(ctx, by, []Found{{Key: k, Of: id, Healthy: healthy}})
}

// Found is what a probe found of a persistent instance.
type Found struct {
	Key     Key
	Of      InstanceID
	Healthy bool
	// Detail says in words what was seen.
	Detail string
}

// Probed makes what was found the health of persistent instances. Those that are gone do not count. Faults: Unavailable.
func (r *Registry) Probed(ctx context.Context, by Actor, found []Found) error {
	ones := make([]*namingpb.Health_One, 0, len(found))
	for _, f := range found {
		ones = append(ones, &namingpb.Health_One{Key: keyPB(f.Key), Of: idPB(f.Of), Healthy: f.Healthy, Detail: f.Detail})
		r.NoteProbe(f)
	}
	_, err := r.submit(ctx, KindHealth, &namingpb.Health{Ones: ones, Actor: by.pb(), AtMs: r.wall()})
	return err
}

// NoteProbe keeps what a probe found among what happened to the instance, where it is worth it.
func (r *Registry) NoteProbe(f Found) {
	if f.Detail != "" {
		r.history.add(f.Key, f.Of, Note{AtMs: r.wall(), What: Probed, Detail: f.Detail, By: "probe"})
	}
}

// CreateService describes a service that is not there. Faults: Invalid, Conflict (CodeServiceExists), Limited, Unavailable.
func (r *Registry) CreateService(ctx context.Context, by Actor, d Service) error {
	if r.Exists(d.Key) {
		return fault.New(fault.Conflict, "specified service %s already exists!", d.Key.Grouped()).WithCode(CodeServiceExists)
	}
	return r.describe(ctx, by, d, namingpb.Describe_CREATE)
}

// UpdateService describes a service that is there, anew; which kind of instances it holds stays. Faults: Invalid, NotFound
// (CodeServiceAbsent), Limited, Unavailable.
func (r *Registry) UpdateService(ctx context.Context, by Actor, d Service) error {
	if !r.Exists(d.Key) {
		return absent(d.Key)
	}
	d.Ephemeral = r.modeOf(d.Key) != persistentKind
	return r.describe(ctx, by, d, namingpb.Describe_ANY)
}

func absent(k Key) *fault.Error {
	return fault.New(fault.NotFound, "service %s not found!", k.Grouped()).WithCode(CodeServiceAbsent)
}

func (r *Registry) describe(ctx context.Context, by Actor, d Service, mode namingpb.Describe_Mode) error {
	d.Metadata = d.Metadata.normal()
	if err := checkService(&d, r.cfg.MaxMetadata); err != nil {
		return err
	}
	_, err := r.submit(ctx, KindDescribe, &namingpb.Describe{
		Key: keyPB(d.Key), Mode: mode, Ephemeral: d.Ephemeral, ProtectThreshold: d.ProtectThreshold, Metadata: pairsPB(d.Metadata),
		Selector: &namingpb.Selector{Type: d.Selector.Type, Expression: d.Selector.Expression}, Actor: by.pb(), AtMs: r.wall(), MaxAll: r.cfg.MaxServices,
	})
	return err
}

// RemoveService takes a service without instances away, with all that is described and laid over of it. Faults: NotFound
// (CodeServiceAbsent), Invalid (CodeServiceNotEmpty), Unavailable.
func (r *Registry) RemoveService(ctx context.Context, by Actor, k Key) error {
	s := r.lock(&k)
	if s == nil {
		return absent(k)
	}
	exists, n := s.exists, len(s.sorted)
	s.mu.Unlock()
	switch {
	case !exists:
		return absent(k)
	case n > 0:
		return notEmpty(k)
	}
	if _, err := r.submit(ctx, KindRemove, &namingpb.Remove{Key: keyPB(k), Actor: by.pb(), AtMs: r.wall()}); err != nil {
		return err
	}
	if s = r.lock(&k); s == nil {
		return nil
	}
	defer r.settle(s)
	if s.exists && s.described == nil && len(s.sorted) == 0 {
		s.exists, s.kind = false, anyKind
		r.names.changed()
		s.changed()
	}
	return nil
}

// SetCluster describes a cluster of a service that is there. Faults: Invalid, NotFound (CodeServiceAbsent), Limited, Unavailable.
func (r *Registry) SetCluster(ctx context.Context, by Actor, c Cluster) error {
	if c.Name == "" {
		c.Name = resource.DefaultCluster
	}
	if err := resource.CheckCluster(c.Name); err != nil {
		return badName(err)
	}
	if c.CheckPort < 0 || c.CheckPort > 65535 {
		return fault.New(fault.Invalid, "the port %d is not between 0 and 65535", c.CheckPort).WithCode(CodePort)
	}
	if err := CheckMetadata(c.Metadata, r.cfg.MaxMetadata); err != nil {
		return err
	}
	x := &c.Checker
	if x.Type = strings.ToUpper(strings.TrimSpace(x.Type)); !slices.Contains([]string{CheckTCP, CheckHTTP, CheckMySQL, CheckGRPC, CheckNone}, x.Type) {
		*x = Checker{Type: CheckNone} // as Nacos takes what it does not know
	}
	if n := len(x.Path) + len(x.Headers) + len(x.User) + len(x.Password) + len(x.Command); n > 8192 {
		return fault.New(fault.Invalid, "the health checker has %d characters, at most 8192 are allowed", n).WithCode(CodeMetadata)
	}
	if !r.Exists(c.Key) {
		return absent(c.Key)
	}
	_, err := r.submit(ctx, KindSetCluster, &namingpb.SetCluster{
		Key: keyPB(c.Key), Cluster: c.Name, CheckPort: int32(c.CheckPort), UseInstancePort: c.UseInstancePort, Metadata: pairsPB(c.Metadata),
		Checker: &namingpb.Checker{Type: x.Type, Path: x.Path, Headers: x.Headers, Expected: int32(x.Expected), User: x.User, Password: x.Password, Command: x.Command},
		Actor:   by.pb(), AtMs: r.wall(), MaxClusters: maxClusters,
	})
	return err
}

// Patch is what an operator wants to be laid over an instance. What is nil or empty stays as it is.
type Patch struct {
	Enabled *bool
	Weight  *float64
	// Metadata is laid over what lies there, or with ReplaceMetadata is all that does.
	Metadata        Metadata
	ReplaceMetadata bool
	// DropKeys are taken out of the metadata that lies there; what is registered stays.
	DropKeys []string
}

// SetOverride lays p over an instance, which need not be there now: whoever registers it, however often, it is shown so.
// Faults: Invalid, NotFound (CodeServiceAbsent), Limited, Unavailable.
func (r *Registry) SetOverride(ctx context.Context, by Actor, k Key, id InstanceID, p Patch) error {
	return r.override(ctx, by, k, id, &namingpb.Override{
		Enabled: p.Enabled, Weight: p.Weight, Metadata: pairsPB(p.Metadata), ReplaceMetadata: p.ReplaceMetadata, DropKeys: p.DropKeys,
	}, p)
}

// ClearOverride takes away what lies over an instance, which is shown as it is registered then. Faults as SetOverride.
func (r *Registry) ClearOverride(ctx context.Context, by Actor, k Key, id InstanceID) error {
	return r.override(ctx, by, k, id, &namingpb.Override{Clear: true}, Patch{})
}

// maxDrain is the longest time that draining may take, and the longest wait after it.
const maxDrain = 7 * 24 * time.Hour

// Drain takes an instance out of service: its weight sinks to nothing within over, in steps, and wait later it is offline, whoever registers
// it and whatever restarts. Faults: as SetOverride.
func (r *Registry) Drain(ctx context.Context, by Actor, k Key, id InstanceID, over, wait time.Duration) error {
	if over < 0 || wait < 0 || over > maxDrain || wait > maxDrain {
		return fault.New(fault.Invalid, "draining takes between 0 and %s, and so does the wait after it", maxDrain).WithCode(CodeDrain)
	}
	now := r.wall()
	until := now + over.Milliseconds()
	return r.override(ctx, by, k, id, &namingpb.Override{Drain: &namingpb.Drain{FromMs: now, UntilMs: until, OfflineMs: until + wait.Milliseconds()}}, Patch{})
}

// StopDrain lets an instance that is drained, or was, have its weight again, and be online. Faults: as SetOverride.
func (r *Registry) StopDrain(ctx context.Context, by Actor, k Key, id InstanceID) error {
	return r.override(ctx, by, k, id, &namingpb.Override{StopDrain: true}, Patch{})
}

func (r *Registry) override(ctx context.Context, by Actor, k Key, id InstanceID, m *namingpb.Override, p Patch) error {
	if id.Cluster == "" {
		id.Cluster = resource.DefaultCluster
	}
	if err := checkKey(&k); err != nil {
		return err
	}
	check := Instance{IP: id.IP, Port: id.Port, Cluster: id.Cluster, Metadata: p.Metadata.normal()}
	if p.Weight != nil {
		check.Weight = *p.Weight
	}
	if err := CheckInstance(&check, r.cfg.MaxMetadata); err != nil {
		return err
	}
	if !r.Exists(k) && !((m.Clear || m.StopDrain) && r.state.Override(k, id) != nil) {
		return absent(k)
	}
	m.Key, m.Of, m.Actor, m.AtMs = keyPB(k), idPB(id), by.pb(), r.wall()
	m.MaxAll, m.MaxMetadata = r.cfg.MaxOverrides, int64(r.cfg.MaxMetadata)
	_, err := r.submit(ctx, KindOverride, m)
	return err
}
