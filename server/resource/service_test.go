package resource

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCheckServiceKey(t *testing.T) {
	for _, tt := range []struct {
		name    string
		key     ServiceKey
		field   Field
		missing bool
		max     int
	}{
		{"a usual name", ServiceKey{"public", "DEFAULT_GROUP", "com.acme.Orders:1.0"}, "", false, 0},
		{"Dubbo's name of an interface", ServiceKey{"", "g", "providers:com.acme.Orders::"}, "", false, 0},
		{"a slash and one @", ServiceKey{"", "g", "a/b@c"}, "", false, 0},
		{"a name of 512 characters", ServiceKey{"", "g", strings.Repeat("é", 512)}, "", false, 0},
		{"a name of 513 characters", ServiceKey{"", "g", strings.Repeat("s", 513)}, FieldService, false, 512},
		{"an @ at the beginning", ServiceKey{"", "g", "@a"}, FieldService, false, 0},
		{"the separator in the name", ServiceKey{"", "g", "a@@b"}, FieldService, false, 0},
		{"a blank in the name", ServiceKey{"", "g", "a b"}, FieldService, false, 0},
		{"Chinese letters", ServiceKey{"", "g", "服务"}, FieldService, false, 0},
		{"a line end", ServiceKey{"", "g", "a\n"}, FieldService, false, 0},
		{"no UTF-8", ServiceKey{"", "g", "a\xff"}, FieldService, false, 0},
		{"no name", ServiceKey{"", "g", " "}, FieldService, true, 0},
		{"no group", ServiceKey{"", "", "s"}, FieldGroup, true, 0},
		{"a group with a slash", ServiceKey{"", "g/h", "s"}, FieldGroup, false, 0},
		{"a namespace with a dot", ServiceKey{"a.b", "g", "s"}, FieldNamespace, false, 0},
	} {
		var v *Violation
		if err := CheckServiceKey(tt.key); !errors.As(err, &v) {
			if tt.field != "" {
				t.Errorf("%s: no violation, got %v", tt.name, err)
			}
		} else if v.Field != tt.field || v.Missing != tt.missing || v.Max != tt.max {
			t.Errorf("%s: got %+v (%s)", tt.name, v, v)
		}
	}
}

func TestCheckClusterAndIP(t *testing.T) {
	for name, ok := range map[string]bool{"": true, "hz-1": true, "a_b": true, "a.b": false, "a b": false, strings.Repeat("c", 65): false} {
		if err := CheckCluster(name); (err == nil) != ok {
			t.Errorf("cluster %q: %v", name, err)
		}
	}
	for ip, ok := range map[string]bool{"10.0.0.1": true, "::1": true, "host.example": true, "a b": false, "主": false, strings.Repeat("1", 129): false} {
		if err := CheckIP(ip); (err == nil) != ok {
			t.Errorf("ip %q: %v", ip, err)
		}
	}
}

func TestServiceKeysAreOrdered(t *testing.T) {
	keys := []ServiceKey{{"b", "a", "a"}, {"a", "b", "a"}, {"a", "a", "b"}, {"a", "a", "a"}}
	slices.SortFunc(keys, ServiceKey.Compare)
	if want := []ServiceKey{{"a", "a", "a"}, {"a", "a", "b"}, {"a", "b", "a"}, {"b", "a", "a"}}; !slices.Equal(keys, want) {
		t.Errorf("got %v", keys)
	}
}
