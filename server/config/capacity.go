package config

import (
	"context"

	"nacre/server/clock"
	"nacre/server/config/configpb"
	"nacre/server/fault"
)

// CapacityUse is a quota row with what counts against it.
type CapacityUse struct {
	Capacity
	Usage int64
}

// Capacity returns the quota row of a namespace, or of a group of the default namespace when
// namespace is empty, or of the cluster when both are; one is made when there is none, as in Nacos.
func (s *Service) Capacity(ctx context.Context, by Actor, namespace, group string) (CapacityUse, error) {
	row := s.state.Capacity(namespace, group)
	if row == nil {
		var err error
		if row, err = s.setCapacity(ctx, by, namespace, group, CapacityLimits{}); err != nil {
			return CapacityUse{}, err
		}
	}
	return CapacityUse{Capacity: *row, Usage: s.state.Usage(namespace, group)}, nil
}

// CapacityLimits are the limits to set; nil ones stay as they are.
type CapacityLimits struct{ Quota, MaxSize, MaxAggrCount, MaxAggrSize *int64 }

// SetCapacity changes a quota row. Faults: Invalid when no limit is given or one is below 1.
func (s *Service) SetCapacity(ctx context.Context, by Actor, namespace, group string, l CapacityLimits) error {
	given := false
	for _, v := range []*int64{l.Quota, l.MaxSize, l.MaxAggrCount, l.MaxAggrSize} {
		if v == nil {
			continue
		}
		if given = true; *v < 1 {
			return fault.New(fault.Invalid, "a capacity limit is %d, it must be at least 1", *v)
		}
	}
	if !given {
		return fault.New(fault.Invalid, "no limit is given: one of quota, maxSize, maxAggrCount, maxAggrSize is needed")
	}
	_, err := s.setCapacity(ctx, by, namespace, group, l)
	return err
}

func (s *Service) setCapacity(ctx context.Context, by Actor, namespace, group string, l CapacityLimits) (*Capacity, error) {
	m := &configpb.SetCapacity{Quota: l.Quota, MaxSize: l.MaxSize, MaxAggrCount: l.MaxAggrCount, MaxAggrSize: l.MaxAggrSize, AtMs: clock.Millis(s.clock), Actor: by.pb()}
	if namespace != "" {
		m.Of = &configpb.SetCapacity_Namespace{Namespace: namespace}
	} else {
		m.Of = &configpb.SetCapacity_Group{Group: group}
	}
	out, err := s.submit(ctx, KindSetCapacity, m)
	return out.Capacity, err
}
