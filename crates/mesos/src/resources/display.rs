//! Resources as Mesos prints them in its messages: `cpus(allocated: *):4; ports(allocated: *):[8000-21099]`.

use std::fmt::{Display, Formatter, Result};

use super::Resources;
use crate::resource::Resource;

impl Display for Resources {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.0.is_empty() {
            return f.write_str("{}");
        }
        for (index, part) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

impl Display for Resource {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.name)?;
        if let Some(role) = self.allocation_info.as_ref().and_then(|info| info.role.as_deref()) {
            write!(f, "(allocated: {role})")?;
        }
        if !self.reservations.is_empty() {
            let stack = self.reservations.iter().map(|reservation| {
                let kind = reservation.r#type.map_or("UNKNOWN", |kind| kind.name());
                let role = reservation.role.as_deref().unwrap_or_default();
                match &reservation.principal {
                    Some(principal) => format!("({kind},{role},{principal})"),
                    None => format!("({kind},{role})"),
                }
            });
            write!(f, "(reservations: [{}])", stack.collect::<Vec<_>>().join(","))?;
        } else if let Some(role) = self.role.as_deref().filter(|role| *role != "*") {
            write!(f, "({role})")?;
        }
        f.write_str(":")?;
        if let Some(scalar) = &self.scalar {
            write!(f, "{}", scalar.value)?;
        }
        if let Some(ranges) = &self.ranges {
            let ranges: Vec<_> = ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
            write!(f, "[{}]", ranges.join(", "))?;
        }
        if let Some(set) = &self.set {
            write!(f, "{{{}}}", set.item.join(", "))?;
        }
        Ok(())
    }
}
