package naming

import (
	"math"
	"strconv"
	"strings"

	"nacre/server/fault"
	"nacre/server/resource"
)

// Codes of faults that Nacos' protocol tells apart.
const (
	// CodeName wraps a *resource.Violation of a service's, cluster's or instance's name.
	CodeName     fault.Code = "namingName"
	CodePort     fault.Code = "namingPort"
	CodeWeight   fault.Code = "namingWeight"
	CodeMetadata fault.Code = "namingMetadata"
	// CodeCluster is a cluster's name with an underscore, or a list of clusters that is too long; CodeBeats intervals of heartbeats that contradict each other.
	CodeCluster fault.Code = "namingCluster"
	CodeBeats   fault.Code = "namingBeats"
	// CodeKind is an instance of the kind that its service does not hold; the text is Nacos'.
	CodeKind fault.Code = "namingKind"
	// CodeServiceAbsent, CodeServiceExists and CodeServiceNotEmpty are of services, CodeInstanceAbsent of an instance.
	CodeServiceAbsent   fault.Code = "namingServiceAbsent"
	CodeServiceExists   fault.Code = "namingServiceExists"
	CodeServiceNotEmpty fault.Code = "namingServiceNotEmpty"
	CodeInstanceAbsent  fault.Code = "namingInstanceAbsent"
	// CodeProbed is a health that probes decide and people may not.
	CodeProbed fault.Code = "namingProbed"
	// CodeDrain is a time that draining can't take.
	CodeDrain fault.Code = "namingDrain"
	// CodeGone is a session that was closed.
	CodeGone fault.Code = "namingGone"
	// CodeLimit is a limit of the registry's; the text names it.
	CodeLimit fault.Code = "namingLimit"
	// CodeSwitch is a value that its switch can't have, CodeSelector an unknown kind of selector.
	CodeSwitch   fault.Code = "namingSwitch"
	CodeSelector fault.Code = "namingSelector"
)

// The keys of metadata that the registry itself reads: intervals of heartbeats, in ms.
const (
	BeatIntervalKey = "preserved.heart.beat.interval"
	BeatTimeoutKey  = "preserved.heart.beat.timeout"
	DeleteAfterKey  = "preserved.ip.delete.timeout"
)

// MaxWeight is the largest weight of an instance.
const MaxWeight = 10_000

func badName(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.Invalid, err, "%s", err.Error()).WithCode(CodeName)
}

// CheckWeight returns a fault when w is no weight.
func CheckWeight(w float64) error {
	if math.IsNaN(w) || w < 0 || w > MaxWeight {
		return fault.New(fault.Invalid, "the weight %v is not between 0 and %d", w, MaxWeight).WithCode(CodeWeight)
	}
	return nil
}

// CheckMetadata returns a fault when m has more than most characters.
func CheckMetadata(m Metadata, most int) error {
	if n := m.Size(); n > most {
		return fault.New(fault.Invalid, "the metadata has %d characters in keys and values, at most %d are allowed", n, most).WithCode(CodeMetadata)
	}
	return nil
}

// adopt checks an instance and returns the one that the registry keeps: with texts of its own.
func (r *Registry) adopt(i Instance, ephemeral bool) (*Instance, error) {
	if i.Cluster = strings.TrimSpace(i.Cluster); i.Cluster == "" {
		i.Cluster = resource.DefaultCluster
	}
	if err := CheckInstance(&i, r.cfg.MaxMetadata); err != nil {
		return nil, err
	}
	own := i
	own.Ephemeral = ephemeral
	own.IP, own.ID = strings.Clone(i.IP), strings.Clone(i.ID)
	own.Cluster = r.interner.text(i.Cluster)
	own.Metadata = r.interner.metadata(i.Metadata)
	return &own, nil
}

// CheckInstance returns a fault when i can't be registered. maxMetadata is in characters.
func CheckInstance(i *Instance, maxMetadata int) error {
	if strings.TrimSpace(i.IP) == "" {
		return badName(&resource.Violation{Field: resource.FieldIP, Missing: true})
	}
	if err := resource.CheckIP(i.IP); err != nil {
		return badName(err)
	}
	if i.Port < 0 || i.Port > 65535 {
		return fault.New(fault.Invalid, "the port %d is not between 0 and 65535", i.Port).WithCode(CodePort)
	}
	if err := resource.CheckCluster(i.Cluster); err != nil {
		return badName(err)
	}
	if strings.Contains(i.Cluster, "_") {
		return fault.New(fault.Invalid, "the cluster's name %q has an underscore; letters, digits and '-' are allowed", i.Cluster).WithCode(CodeCluster)
	}
	if len(i.ID) > 1024 {
		return fault.New(fault.Invalid, "the instanceId has %d characters, at most 1024 are allowed", len(i.ID)).WithCode(CodeMetadata)
	}
	if err := CheckWeight(i.Weight); err != nil {
		return err
	}
	if err := CheckMetadata(i.Metadata, maxMetadata); err != nil {
		return err
	}
	if b := BeatsOf(i.Metadata); b.TimeoutMs < b.IntervalMs || b.DeleteMs < b.IntervalMs {
		return fault.New(fault.Invalid, "the heartbeat interval of %d ms is longer than the timeout of %d ms or the time until deletion of %d ms",
			b.IntervalMs, b.TimeoutMs, b.DeleteMs).WithCode(CodeBeats)
	}
	return nil
}

// Beats are the times of an instance's heartbeats, in ms.
type Beats struct{ IntervalMs, TimeoutMs, DeleteMs int64 }

// DefaultBeats are the times of instances whose metadata says nothing.
var DefaultBeats = Beats{IntervalMs: 5_000, TimeoutMs: 15_000, DeleteMs: 30_000}

// BeatsOf returns the times that metadata says, the default where it says none, or no number.
func BeatsOf(m Metadata) Beats {
	b := DefaultBeats
	if len(m) == 0 {
		return b
	}
	said := func(key string, ms *int64) {
		if v, ok := m.Get(key); ok {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
				*ms = min(n, 1<<40)
			}
		}
	}
	said(BeatIntervalKey, &b.IntervalMs)
	said(BeatTimeoutKey, &b.TimeoutMs)
	said(DeleteAfterKey, &b.DeleteMs)
	return b
}
