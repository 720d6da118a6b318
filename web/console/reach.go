package console

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"nacre/server/config/delivery"
	"nacre/views/parts"
	"nacre/views/publish"
	"nacre/views/words"
)

// Limits of what a review lists.
const (
	maxImpactRows = 12
	maxAddresses  = 100
)

// impact counts whom the change reaches when it is published for all, or, of a variant, for those who see it.
func (v *visit) impact(rows []delivery.Listening, wk *work) publish.Impact {
	w := &v.w.Publish
	text, nobody := w.ImpactListen, w.ImpactNobody
	if wk.gray != "" {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r delivery.Listening) bool { return r.Gray != wk.gray })
		text, nobody = w.CanarySees, w.CanaryNobody
	}
	if len(rows) == 0 {
		return publish.Impact{Text: nobody}
	}
	i := publish.Impact{Text: words.Fill(text, v.w.Number(int64(len(rows))))}
	apps, sdks, canaries := map[string]int{}, map[string]int{}, 0
	for _, r := range rows {
		if r.Gray != "" && wk.gray == "" {
			canaries++
		}
		apps[cmp.Or(r.Client.App, w.NoApp)]++
		sdks[cmp.Or(r.Client.SDK, w.NoSDK)]++
	}
	if canaries > 0 {
		i.Canaries = words.Fill(w.ImpactCanaries, v.w.Number(int64(canaries)))
	}
	i.Apps, i.SDKs = v.counts(apps), v.counts(sdks)
	return i
}

// counts lists the most frequent names first.
func (v *visit) counts(of map[string]int) []publish.Count {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	list := make([]publish.Count, 0, min(len(names), maxImpactRows+1))
	rest := 0
	for i, n := range names {
		if i < maxImpactRows {
			list = append(list, publish.Count{Name: n, Number: v.w.Number(int64(of[n]))})
			continue
		}
		rest += of[n]
	}
	if rest > 0 {
		list = append(list, publish.Count{Name: words.Fill(v.w.Parts.MoreKeys, v.w.Number(int64(len(names)-maxImpactRows))), Number: v.w.Number(int64(rest))})
	}
	return list
}

// target offers for whom it is published.
func (v *visit) target(wk *work, h *held, p publication, rows []delivery.Listening) publish.Target {
	w := &v.w.Publish
	t := publish.Target{Some: p.some, Error: p.wrongAddresses}
	if wk.gray != "" {
		_, t.None = fixedRule(wk, h)
		t.Fixed = !t.None
	}
	if g := v.betaOf(wk, h); g != nil && wk.gray == "" {
		t.Held = words.Fill(w.ForSomeHeld, strings.ReplaceAll(g.Rule.Expr, ",", ", "))
	}
	chosen, _ := p.addresses()
	type place struct {
		clients int
		apps    []string
	}
	at := map[string]*place{}
	for _, r := range rows {
		pl := at[r.Client.IP]
		if pl == nil {
			pl = &place{}
			at[r.Client.IP] = pl
		}
		pl.clients++
		if a := r.Client.App; a != "" && !slices.Contains(pl.apps, a) && len(pl.apps) < 3 {
			pl.apps = append(pl.apps, a)
		}
	}
	delete(at, "")
	ips := slices.SortedFunc(maps.Keys(at), func(a, b string) int {
		x, _ := netip.ParseAddr(a)
		y, _ := netip.ParseAddr(b)
		return cmp.Or(x.Compare(y), cmp.Compare(a, b))
	})
	if len(ips) > maxAddresses {
		t.More = words.Fill(w.MoreAddresses, v.w.Number(int64(len(ips)-maxAddresses)))
		ips = ips[:maxAddresses]
	}
	for _, ip := range ips {
		t.Addresses = append(t.Addresses, publish.Address{
			IP: ip, Chosen: slices.Contains(chosen, ip),
			Text: strings.Join(append(slices.Clone(at[ip].apps), words.Fill(w.Clients, v.w.Number(int64(at[ip].clients)))), " · "),
		})
	}
	others := p.others
	if p.wrongAddresses == "" {
		others = strings.Join(slices.DeleteFunc(chosen, func(ip string) bool { return slices.Contains(ips, ip) }), ", ")
	}
	t.Others = parts.Field{Name: "others", Label: w.Others, Hint: w.OthersHint, Value: others, Autocomplete: "off"}
	return t
}

// addresses returns all addresses that were chosen, each once, or the first that is none.
func (p *publication) addresses() (all []string, wrong string) {
	typed := strings.FieldsFunc(p.others, func(r rune) bool { return strings.ContainsRune(",;，；、 \t\r\n", r) })
	for _, ip := range slices.Concat(p.ips, typed) {
		if _, err := netip.ParseAddr(ip); err != nil {
			return nil, ip
		}
		if !slices.Contains(all, ip) {
			all = append(all, ip)
		}
	}
	return all, ""
}
