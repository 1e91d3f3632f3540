# SPDX-License-Identifier: Apache-2.0
# aael in a cloud image of Debian. The source is an example; the build is what to copy.
variable "debs" {
  type        = string
  description = "Folder with what make deb made."
}

variable "image" {
  type        = string
  description = "Cloud image into which somebody can log in as root."
}

variable "image_checksum" {
  type = string
}

source "qemu" "debian" {
  iso_url          = var.image
  iso_checksum     = var.image_checksum
  disk_image       = true
  ssh_username     = "root"
  shutdown_command = "poweroff"
}

build {
  sources = ["source.qemu.debian"]

  provisioner "shell" {
    inline = ["mkdir /tmp/aael"]
  }

  provisioner "file" {
    sources     = [for name in fileset(abspath(var.debs), "{aael-dkms,aael-tools,aaeld}_*.deb") : "${var.debs}/${name}"]
    destination = "/tmp/aael/"
  }

  provisioner "shell" {
    script = "${path.root}/aael.sh"
  }
}
