package wire

import (
	"strings"
	"unicode/utf8"

	"nacre/server/resource"
)

// LegacyNamespace returns the id of the namespace that a parameter of v1 or v2 names: blank, "public"
// and "null" in any case are the default one, as in Nacos 2.5.
func LegacyNamespace(form string) string {
	form = strings.TrimSpace(form)
	if form == "" || strings.EqualFold(form, "public") || strings.EqualFold(form, "null") {
		return resource.DefaultNamespace
	}
	return form
}

// Namespace returns the id of the namespace that a parameter of v3 names: blank and "public" are the
// default one.
func Namespace(form string) string {
	form = strings.TrimSpace(form)
	if form == "" {
		return resource.DefaultNamespace
	}
	return form
}

// LegacyTenant returns how v1 and v2 show a namespace: the default one is "", as in Nacos 2.5. v3
// shows the id as it is.
func LegacyTenant(id string) string {
	if id == resource.DefaultNamespace {
		return ""
	}
	return id
}

// GroupKey returns a configuration's key as listener queries show it: dataId+group, followed by
// +tenant unless that is empty.
func GroupKey(dataID, group, tenant string) string {
	escape := strings.NewReplacer("%", "%25", "+", "%2B").Replace
	s := escape(dataID) + "+" + escape(group)
	if tenant != "" {
		s += "+" + escape(tenant)
	}
	return s
}

// CheckConfig is the parameter check that Nacos makes on the way to the handlers of configurations:
// namespace, dataId, group and ip, of each the first value, blank ones passing. It returns the text
// of the refusal, "" when there is none.
func (p *Params) CheckConfig() string {
	namespace := p.firstOf("namespaceId", "tenant", "namespace")
	dataID, _ := p.First("dataId")
	group := p.firstOf("groupName", "group")
	if text := resource.CheckNames(namespace, dataID, group); text != "" {
		return text
	}
	ip, _ := p.First("ip")
	return checkIP(ip)
}

// CheckConsole is the parameter check of the console's handlers of namespaces.
func (p *Params) CheckConsole() string {
	if name, _ := p.First("namespaceName"); !Blank(name) {
		switch {
		case utf8.RuneCountInString(name) > 256:
			return resource.TooLong("namespaceShowName", 256)
		case strings.ContainsAny(name, "@#$%^&*"):
			return resource.Illegal("namespaceShowName")
		}
	}
	return resource.CheckNames(p.firstOf("namespaceId", "customNamespaceId"), "", "")
}

func checkIP(ip string) string {
	if Blank(ip) {
		return ""
	}
	if utf8.RuneCountInString(ip) > 128 {
		return resource.TooLong("ip", 128)
	}
	for _, r := range ip {
		if r >= 0x4E00 && r <= 0x9FA5 || r == ' ' || r >= '\t' && r <= '\r' {
			return resource.Illegal("ip")
		}
	}
	return ""
}

// firstOf returns the first value of the first of names that is not blank.
func (p *Params) firstOf(names ...string) string {
	for _, n := range names {
		if v, _ := p.First(n); !Blank(v) {
			return v
		}
	}
	return ""
}

// Operator returns who asks, as far as parameters tell without a login: the first of names that is
// not blank, else the parameter username.
func (p *Params) Operator(names ...string) string {
	return strings.Clone(p.firstOf(append(names, "username")...))
}
