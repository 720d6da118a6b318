package search

import (
	"strings"
	"testing"
)

func TestNamesThatAreMostAlikeComeFirst(t *testing.T) {
	h := newHeld()
	for _, k := range []string{
		"dev/DEFAULT_GROUP/order-service.yaml", "dev/DEFAULT_GROUP/service.yaml", "prod/DEFAULT_GROUP/order-service.yaml", "dev/order/gateway.yaml",
		"dev/DEFAULT_GROUP/border.json", "dev/DEFAULT_GROUP/pay.order", "dev/DEFAULT_GROUP/order", "dev/DEFAULT_GROUP/orderServiceFlags.toml",
	} {
		h.put(entry(k, "x"))
	}
	for _, c := range []struct{ name, text, want string }{
		{"the name itself, then its beginning, then its parts", "ORDER",
			"dev/order dev/order-service.yaml prod/order-service.yaml dev/orderServiceFlags.toml dev/pay.order dev/gateway.yaml dev/border.json"},
		{"letters of a name", "osf", "dev/orderServiceFlags.toml"},
		{"the beginnings of parts before letters within", "os", "dev/orderServiceFlags.toml dev/order-service.yaml prod/order-service.yaml dev/border.json"},
		{"two words, one in the namespace", "order-s prod", "prod/order-service.yaml"},
		{"words in any order", "yaml gate", "dev/gateway.yaml"},
		{"nothing", " ", ""},
		{"none", "xyz", ""},
		{"no ASCII", "订单", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := h.index.Names(t.Context(), c.text, 7)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, m := range got {
				names = append(names, m.Key.Namespace+"/"+m.Key.DataID)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("%q is like\n%s, not\n%s", c.text, got, c.want)
			}
		})
	}
	got, _ := h.index.Names(t.Context(), "oSerFl", 2)
	if len(got) != 1 || len(got[0].Marks) != 3 || got[0].Marks[0] != (Mark{FieldDataID, 0, 1}) || got[0].Marks[1] != (Mark{FieldDataID, 5, 8}) || got[0].Marks[2] != (Mark{FieldDataID, 12, 14}) {
		t.Errorf("%+v", got)
	}
	if got, _ := h.index.Names(t.Context(), "e", 3); len(got) != 3 {
		t.Errorf("%d names, not 3", len(got))
	}
}
