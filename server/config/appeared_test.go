package config

import "testing"

func TestWhatAppearsIsTheFormalConfiguration(t *testing.T) {
	formal, gray := &Item{Formal: &Entry{}}, &Item{Grays: []*Gray{{}}}
	for _, tt := range []struct {
		name          string
		before, after *Item
		told, exists  bool
	}{
		{"a new one", nil, formal, true, true},
		{"another content", formal, formal, false, false},
		{"a variant alone", nil, gray, false, false},
		{"the content after its variant", gray, formal, true, true},
		{"a removal", formal, nil, true, false},
	} {
		told, exists := false, false
		Appeared(func(_ Key, is bool) { told, exists = true, is })(Key{}, tt.before, tt.after)
		if told != tt.told || exists != tt.exists {
			t.Errorf("%s: told %t, exists %t", tt.name, told, exists)
		}
	}
}
