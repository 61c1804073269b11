//! Containers: what a task asks of one, and what an agent says of one.

use serde::{Deserialize, Serialize};

use crate::ContainerID;
use crate::command::Secret;
use crate::label::{Labels, Parameter, Parameters};
use crate::message::{enumeration, message};

message! {
    /// The container that a task or executor asks for.
    pub struct ContainerInfo {
        r#type! ContainerType,
        volumes* Volume,
        hostname? String,
        docker? DockerInfo,
        mesos? MesosInfo,
        network_infos* NetworkInfo,
        linux_info? serde_json::Value,
        rlimit_info? serde_json::Value,
        tty_info? serde_json::Value,
    }

    /// A Docker container.
    pub struct DockerInfo {
        image! String,
        network= DockerNetwork,
        port_mappings* PortMapping,
        privileged= bool,
        parameters* Parameter,
        force_pull_image? bool,
        volume_driver? String,
    }

    /// A container of Mesos' own.
    pub struct MesosInfo {
        image? Image,
    }

    /// An image of `MesosInfo` or of a volume.
    pub struct Image {
        r#type! ImageType,
        appc? serde_json::Value,
        docker? ImageDocker,
        cached? bool,
    }

    /// A Docker image by name.
    pub struct ImageDocker {
        name! String,
        config? Secret,
    }

    /// A directory of the container.
    pub struct Volume {
        mode! VolumeMode,
        container_path! String,
        host_path? String,
        image? Image,
        source? VolumeSource,
    }

    /// Where a volume comes from.
    pub struct VolumeSource {
        r#type? VolumeSourceType,
        docker_volume? DockerVolume,
        host_path? HostPath,
        sandbox_path? SandboxPath,
        secret? Secret,
        csi_volume? serde_json::Value,
    }

    /// A volume of a Docker driver.
    pub struct DockerVolume {
        driver? String,
        name! String,
        driver_options? Parameters,
    }

    /// A directory of the host.
    pub struct HostPath {
        path! String,
        mount_propagation? serde_json::Value,
    }

    /// A directory of a sandbox.
    pub struct SandboxPath {
        r#type? SandboxPathType,
        path! String,
    }

    /// A port of the container on the host.
    pub struct PortMapping {
        host_port! u32,
        container_port! u32,
        protocol? String,
    }

    /// A network of a container.
    pub struct NetworkInfo {
        ip_addresses* IPAddress,
        name? String,
        groups* String,
        labels? Labels,
        port_mappings* PortMapping,
    }

    /// An address of a container.
    pub struct IPAddress {
        protocol= Protocol,
        ip_address? String,
    }

    /// What an agent says of the container that a task is in.
    pub struct ContainerStatus {
        container_id? ContainerID,
        network_infos* NetworkInfo,
        cgroup_info? serde_json::Value,
        executor_pid? u32,
    }
}

enumeration! {
    /// Who runs the container.
    pub enum ContainerType {
        Docker = "DOCKER", Mesos = "MESOS",
    }

    /// Docker's network modes.
    pub enum DockerNetwork {
        Host = "HOST", Bridge = "BRIDGE", None = "NONE", User = "USER",
    }

    /// Kinds of images.
    pub enum ImageType {
        Docker = "DOCKER", Appc = "APPC",
    }

    /// Whether a volume may be written.
    pub enum VolumeMode {
        ReadWrite = "RW", ReadOnly = "RO",
    }

    /// Kinds of volume sources.
    pub enum VolumeSourceType {
        DockerVolume = "DOCKER_VOLUME", HostPath = "HOST_PATH", SandboxPath = "SANDBOX_PATH", Secret = "SECRET",
        CsiVolume = "CSI_VOLUME"; _ => Unknown
    }

    /// Whose sandbox.
    pub enum SandboxPathType {
        Own = "SELF", Parent = "PARENT"; _ => Unknown
    }
}

/// Address families.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// Version 4.
    #[default]
    #[serde(rename = "IPv4")]
    V4,
    /// Version 6.
    #[serde(rename = "IPv6")]
    V6,
}
